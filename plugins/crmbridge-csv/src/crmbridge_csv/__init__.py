"""CSV files as a CRM."""
