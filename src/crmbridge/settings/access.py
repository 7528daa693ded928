"""What the configuration says of signing in, reading and how hard a CRM may be used."""

from typing import Annotated, Literal

from pydantic import Field

from crmbridge.settings.secrets import Secret, Text
from crmbridge.settings.table import (
    Amount,
    Count,
    Listed,
    NonEmpty,
    Positive,
    Share,
    Table,
)


class AuthSettings(Table):
    """How to sign in. Which keys an adapter needs stands in its documentation."""

    method: str = ""
    "The way to sign in, as the adapter names it."
    client_id: Text | None = None
    "The app's public id."
    client_secret: Secret | None = None
    "The app's secret."
    username: Text | None = None
    "The user to sign in as."
    password: Secret | None = None
    "The user's password."
    security_token: Secret | None = None
    "A token that the CRM wants beside the password."
    access_token: Secret | None = None
    "A token that never expires, such as a private app's."
    refresh_token: Secret | None = None
    "A token to get access tokens with, where 'crmbridge connect' is not used."
    api_key: Secret | None = None
    "An API key."
    session_id: Secret | None = None
    "The id of a session opened elsewhere."
    private_key: Secret | None = None
    "The PEM key that signs assertions."
    passphrase: Secret | None = None
    "What the private key is encrypted with."
    audience: str = ""
    "Who the assertion is for."
    scopes: Listed[NonEmpty] = ()
    "The scopes to ask for."
    token_url: str = ""
    "Where tokens are had, if not where the adapter expects it."
    authorize_url: str = ""
    "Where a browser signs in, if not where the adapter expects it."
    revoke_url: str = ""
    "Where tokens are revoked, if not where the adapter expects it."
    redirect_port: Annotated[int, Field(ge=0, le=65535)] = 0
    "The port that the browser comes back to while signing in; 0 for any that is free."
    redirect_host: Literal["127.0.0.1", "localhost"] = "127.0.0.1"
    "What the browser calls this machine, as the CRM has it in the app's callback address."


class PullSettings(Table):
    """How a connection is read."""

    overlap_minutes: Count | None = None
    "How far a window reaches back into the last one; by default what the adapter says."
    sweep_days: Positive = 7
    "Days between two sweeps over all ids, where deletions cannot be known otherwise."
    formula_refresh_hours: Count = 24
    "Hours after which records with fields that the CRM works out are read again; 0 for never."


class LimitSettings(Table):
    """How hard the CRM may be used; requests, 0 for no limit of ours."""

    per_second: Amount = 0
    "Most requests in a second."
    per_minute: Amount = 0
    "Most requests in a minute."
    daily_share: Share = 0.5
    "The share of the account's daily quota that crmbridge may use."
    reserve_share: Share = 0.1
    "The share of the daily quota that stays untouched, whoever used the rest."
    concurrent: Positive = 4
    "Most requests at once, within what the adapter says."
    tries: Positive = 5
    "Most tries of one request."
    wait_seconds: Amount = 120
    "The longest wait that a CRM may ask for; beyond it the run stops and says when to go on."
    connect_seconds: Annotated[float, Field(gt=0)] = 10
    "Longest wait for a connection."
    read_seconds: Annotated[float, Field(gt=0)] = 60
    "Longest wait for the next byte."
    total_seconds: Annotated[float, Field(gt=0)] = 300
    "Longest time for one answer."
    max_body_mb: Annotated[float, Field(gt=0)] = 64
    "Largest answer, unpacked."
    download_seconds: Annotated[float, Field(gt=0)] = 3600
    "Longest time for one download."
    max_download_mb: Annotated[float, Field(gt=0)] = 20_000
    "Largest download."
    retries_per_run: Count = 100
    "Second tries that a run may make before their share of all requests counts."
    trust_env: bool = False
    "Uses the proxy that the environment names."
