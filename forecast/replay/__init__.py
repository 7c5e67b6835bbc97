"""The past as it would have been forecast: updates as of many dates, each from what was known then."""
