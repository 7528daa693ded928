"""Makes record ids as Salesforce does: 15 characters, and the three that make case not matter."""

import string

_DIGITS = string.digits + string.ascii_uppercase + string.ascii_lowercase
_CHECK = string.ascii_uppercase + "012345"
PREFIXES = {
    "Account": "001", "Contact": "003", "User": "005", "Opportunity": "006", "Lead": "00Q",
    "Task": "00T", "Event": "00U", "CampaignMember": "00v", "Campaign": "701", "Product2": "01t",
    "Order": "801", "OrderItem": "802", "PermissionSet": "0PS", "FieldPermissions": "01k",
    "PermissionSetAssignment": "0Pa", "CustomField": "00N", "Organization": "00D",
    "CampaignMemberStatus": "01Y", "OpportunityLineItem": "00k", "Individual": "0PK",
    "Job": "750", "Locator": "01g",
}  # fmt: skip


def make_id(object_: str, number: int) -> str:
    """The id of the n-th record; later ids sort after earlier ones."""
    digits = ""
    for _ in range(9):
        number, rest = divmod(number, 62)
        digits = _DIGITS[rest] + digits
    return long_id(f"{PREFIXES.get(object_, 'a00')}5e0{digits}")


def long_id(id_: str) -> str:
    """The 18 characters of an id of 15 or 18: a bit per capital letter, five bits a character."""
    if len(id_) != 15:
        return id_
    checks = (id_[start : start + 5] for start in (0, 5, 10))
    return id_ + "".join(
        _CHECK[sum(1 << n for n, letter in enumerate(part) if letter in string.ascii_uppercase)]
        for part in checks
    )
