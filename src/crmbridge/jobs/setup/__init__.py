"""Sets crmbridge up and finds out what is missing."""
