"""The only reader of the configuration file and the environment; others get its values."""

from crmbridge.settings.access import AuthSettings, LimitSettings, PullSettings
from crmbridge.settings.campaigns import CampaignSettings, FollowUpSettings, GoalSettings
from crmbridge.settings.connections import ConnectionSettings
from crmbridge.settings.engine import (
    EngineSettings,
    OfferSettings,
    ScoreSettings,
    ScoreWeights,
    SegmentSettings,
    ValueSettings,
)
from crmbridge.settings.jobs import (
    JobSettings,
    OutSettings,
    PluginSettings,
    RetentionSettings,
    StoreSettings,
)
from crmbridge.settings.load import adapter_options, load, loads
from crmbridge.settings.model import Settings
from crmbridge.settings.places import GeocodingSettings, TravelSettings
from crmbridge.settings.planning import (
    ConsentSettings,
    HolidaySettings,
    LunchSettings,
    OpeningSettings,
    PlanningSettings,
    RepSettings,
    SpeedSettings,
    UnknownConsent,
)
from crmbridge.settings.policy import ClassSettings, PressureSettings, RuleSettings
from crmbridge.settings.secrets import SecretRef, Secrets
from crmbridge.settings.sources import FieldSource, StreamSettings
from crmbridge.settings.writes import WriteLimits, WriteSettings

__all__ = [
    "AuthSettings",
    "CampaignSettings",
    "ClassSettings",
    "ConnectionSettings",
    "ConsentSettings",
    "EngineSettings",
    "FieldSource",
    "FollowUpSettings",
    "GeocodingSettings",
    "GoalSettings",
    "HolidaySettings",
    "JobSettings",
    "LimitSettings",
    "LunchSettings",
    "OfferSettings",
    "OpeningSettings",
    "OutSettings",
    "PlanningSettings",
    "PluginSettings",
    "PressureSettings",
    "PullSettings",
    "RepSettings",
    "RetentionSettings",
    "RuleSettings",
    "ScoreSettings",
    "ScoreWeights",
    "SecretRef",
    "Secrets",
    "SegmentSettings",
    "Settings",
    "SpeedSettings",
    "StoreSettings",
    "StreamSettings",
    "TravelSettings",
    "UnknownConsent",
    "ValueSettings",
    "WriteLimits",
    "WriteSettings",
    "adapter_options",
    "load",
    "loads",
]
