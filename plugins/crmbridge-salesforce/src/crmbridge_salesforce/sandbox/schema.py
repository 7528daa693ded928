"""The objects of the made-up organisation: their fields, as a describe call tells them.

Field names, types and lengths follow Salesforce's Object Reference; CampaignMember's fields, its
two default statuses and its refusal of a second member follow the reference's page on
CampaignMember ("must contain either a ContactId or a LeadId", "if the record exists, an error is
returned and no update is made"): no recording of it was at hand.
"""

from dataclasses import dataclass, field
from typing import Any

_SYSTEM = (
    "Id:id IsDeleted:boolean CreatedDate:datetime CreatedById:reference=User "
    "LastModifiedDate:datetime LastModifiedById:reference=User SystemModstamp:datetime"
)
_ACTIVITY = (
    "Subject:string/255+ Description:textarea/32000+ OwnerId:reference=User+ "
    "AccountId:reference=Account WhoId:reference+ WhatId:reference+ IsArchived:boolean "
    "crmbridge_key__c:string/255+*"
)
_OBJECTS = {
    "Organization": ("Name:string/80 OrganizationType:string/40 IsSandbox:boolean"),
    "User": (
        "Name:string/121 FirstName:string/40+ LastName:string/80+! Username:string/80+ "
        "Email:email/128+ IsActive:boolean+ TimeZoneSidKey:picklist/40+ "
        "ManagerId:reference=User+ State:string/80+ Department:string/80+ Latitude:double+ "
        "Longitude:double+ UserRoleId:reference UserType:picklist/40"
    ),
    "Account": (
        "Name:string/255+! AccountNumber:string/40+ Type:picklist/255+ Rating:picklist/255+ "
        "OwnerId:reference=User+ ParentId:reference=Account+ MasterRecordId:reference=Account "
        "BillingStreet:textarea/255+ BillingCity:string/40+ BillingState:string/80+ "
        "BillingPostalCode:string/20+ BillingCountry:string/80+ BillingLatitude:double+ "
        "BillingLongitude:double+ BillingGeocodeAccuracy:picklist/40+ BillingAddress:address "
        "Phone:phone/40+ Website:url/255+ Industry:picklist/255+ AnnualRevenue:currency+ "
        "NumberOfEmployees:int+ Description:textarea/32000+ LastActivityDate:date "
        "crmbridge_segment__c:string/255+ crmbridge_score__c:double+ "
        "IsPersonAccount:boolean PersonContactId:reference=Contact FirstName:string/40+ "
        "LastName:string/80+ PersonEmail:email/80+ PersonMobilePhone:phone/40+ "
        "PersonHasOptedOutOfEmail:boolean+ PersonDoNotCall:boolean+ "
        "crmbridge_reasons__c:string/255+ Visit_Interval__c:double+ Visit_Minutes__c:double+ "
        "Satisfaction__c:double+ Zone__c:string/40+ Opening__c:textarea/2000+ Market__c:string/80+"
    ),
    "Contact": (
        "Name:string/121 FirstName:string/40+ LastName:string/80+! AccountId:reference=Account+ "
        "OwnerId:reference=User+ MasterRecordId:reference=Contact Email:email/80+ "
        "Phone:phone/40+ MobilePhone:phone/40+ Title:string/128+ HasOptedOutOfEmail:boolean+ "
        "DoNotCall:boolean+ EmailBouncedReason:string/255 IsEmailBounced:boolean "
        "Department:string/80+ No_Visits__c:boolean+ IsPersonAccount:boolean "
        "IndividualId:reference=Individual+"
    ),
    "Individual": (
        "Name:string/121 FirstName:string/40+ LastName:string/80+! HasOptedOutSolicit:boolean+ "
        "HasOptedOutProcessing:boolean+ ShouldForget:boolean+"
    ),
    "Lead": (
        "Name:string/121 FirstName:string/40+ LastName:string/80+! Company:string/255+! "
        "OwnerId:reference=User+ MasterRecordId:reference=Lead Email:email/80+ Phone:phone/40+ "
        "Status:picklist/255+ Rating:picklist/255+ Street:textarea/255+ City:string/40+ "
        "State:string/80+ PostalCode:string/20+ Country:string/80+ Latitude:double+ "
        "Longitude:double+ GeocodeAccuracy:picklist/40+ Industry:picklist/255+ "
        "HasOptedOutOfEmail:boolean+ DoNotCall:boolean+ IsConverted:boolean "
        "ConvertedAccountId:reference=Account ConvertedContactId:reference=Contact "
        "IndividualId:reference=Individual+"
    ),
    "Event": f"{_ACTIVITY} "
    "StartDateTime:datetime+ EndDateTime:datetime+ DurationInMinutes:int+ ActivityDate:date+ "
    "ActivityDateTime:datetime+ IsAllDayEvent:boolean+ Location:string/255+ ShowAs:picklist/40+ "
    "EventSubtype:picklist/40 Type:picklist/255+ IsRecurrence:boolean IsRecurrence2:boolean "
    "GroupEventType:picklist/40 RecurrenceActivityId:reference=Event",
    "Task": f"{_ACTIVITY} "
    "ActivityDate:date+ Status:picklist/255+ Priority:picklist/255+ IsClosed:boolean "
    "TaskSubtype:picklist/40+ CallType:picklist/40+ CompletedDateTime:datetime Type:picklist/255+ "
    "IsRecurrence:boolean RecurrenceActivityId:reference=Task",
    "Campaign": (
        "Name:string/80+! Type:picklist/255+ Status:picklist/255+ IsActive:boolean+ "
        "StartDate:date+ EndDate:date+ BudgetedCost:currency+ ParentId:reference=Campaign+ "
        "OwnerId:reference=User+ Description:textarea/32000+ crmbridge_key__c:string/255+*"
    ),
    "CampaignMember": (
        "CampaignId:reference=Campaign+! ContactId:reference=Contact+ LeadId:reference=Lead+ "
        "Status:picklist/40+ HasResponded:boolean FirstRespondedDate:date"
    ),
    "CampaignMemberStatus": (
        "CampaignId:reference=Campaign+! Label:string/765+! HasResponded:boolean+ "
        "IsDefault:boolean+"
    ),
    "Product2": (
        "Name:string/255+! ProductCode:string/255+ Family:picklist/255+ IsActive:boolean+ "
        "Description:textarea/4000+"
    ),
    "Opportunity": (
        "Name:string/120+! AccountId:reference=Account+ OwnerId:reference=User+ "
        "StageName:picklist/255+! Amount:currency+ CloseDate:date+! IsClosed:boolean "
        "IsWon:boolean"
    ),
    "Order": (
        "AccountId:reference=Account+! EffectiveDate:date+! Status:picklist/255+! "
        "TotalAmount:currency"
    ),
    "OrderItem": (
        "OrderId:reference=Order+! Product2Id:reference=Product2+ Quantity:double+ "
        "UnitPrice:currency+ TotalPrice:currency ServiceDate:date+"
    ),
    "OpportunityLineItem": (
        "OpportunityId:reference=Opportunity+! Product2Id:reference=Product2+ Quantity:double+ "
        "UnitPrice:currency+ TotalPrice:currency+ ServiceDate:date+"
    ),
    "PermissionSet": ("Name:string/80+! Label:string/80+!"),
    "FieldPermissions": (
        "ParentId:reference=PermissionSet+! SobjectType:picklist/40+! Field:string/255+! "
        "PermissionsRead:boolean+ PermissionsEdit:boolean+"
    ),
    "PermissionSetAssignment": (
        "PermissionSetId:reference=PermissionSet+! AssigneeId:reference=User+!"
    ),
}
NEVER_DELETED = frozenset({"User", "Organization"})
HARD_DELETED = frozenset({"CampaignMember"})
"""Objects whose records do not pass through the recycle bin."""


@dataclass(slots=True, kw_only=True)
class FieldSpec:
    """One field of an object."""

    name: str
    type: str
    length: int = 0
    writable: bool = False
    required: bool = False
    unique: bool = False
    target: str = ""
    choices: tuple[str, ...] = ()
    formula: bool = False


@dataclass(slots=True, kw_only=True)
class ObjectSpec:
    """One object.

    Args:
        is_read_only: the user that connects may only read it.
    """

    name: str
    fields: dict[str, FieldSpec] = field(default_factory=dict)
    is_read_only: bool = False

    def find(self, name: str) -> FieldSpec | None:
        """The field of a name, in any case."""
        found = self.fields.get(name)
        if found is None:
            folded = name.lower()
            found = next((one for key, one in self.fields.items() if key.lower() == folded), None)
        return found


def make_schema() -> dict[str, ObjectSpec]:
    """Fresh objects; tests may take fields away or add some."""
    return {name: _object(name, text) for name, text in _OBJECTS.items()}


def _object(name: str, text: str) -> ObjectSpec:
    system = _SYSTEM if name not in NEVER_DELETED else _SYSTEM.replace("IsDeleted:boolean ", "")
    fields = [_field(one) for one in f"{system} {text}".split()]
    return ObjectSpec(name=name, fields={one.name: one for one in fields})


def _field(text: str) -> FieldSpec:
    name, _, rest = text.partition(":")
    marks = {mark for mark in "+!*" if mark in rest}
    kind, _, target = rest.rstrip("+!*").partition("=")
    kind, _, length = kind.partition("/")
    return FieldSpec(
        name=name,
        type=kind,
        length=int(length or (18 if kind in {"id", "reference"} else 0)),
        writable="+" in marks,
        required="!" in marks,
        unique="*" in marks,
        target=target,
    )


def describe(spec: ObjectSpec) -> dict[str, Any]:
    """The answer to a describe call."""
    return {
        "name": spec.name,
        "label": spec.name,
        "custom": spec.name.endswith("__c"),
        "queryable": True,
        "createable": spec.name not in NEVER_DELETED and not spec.is_read_only,
        "updateable": not spec.is_read_only,
        "deletable": spec.name not in NEVER_DELETED and not spec.is_read_only,
        "fields": [_describe_field(one) for one in spec.fields.values()],
    }


def _describe_field(one: FieldSpec) -> dict[str, Any]:
    return {
        "name": one.name,
        "label": one.name.removesuffix("__c").replace("_", " "),
        "type": one.type,
        "length": one.length,
        "nillable": not one.required,
        "defaultedOnCreate": one.type == "boolean" or one.name == "OwnerId",
        "createable": one.writable,
        "updateable": one.writable and one.name not in {"CampaignId", "ContactId", "LeadId"},
        "calculated": one.formula,
        "unique": one.unique,
        "externalId": one.unique,
        "idLookup": one.unique or one.name == "Id",
        "custom": one.name.endswith("__c"),
        "referenceTo": [one.target] if one.target else [],
        "picklistValues": [
            {"value": value, "label": value, "active": True, "defaultValue": False}
            for value in one.choices
        ],
    }
