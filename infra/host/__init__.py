"""The HTTP host: functions by path, access, limits, status page."""
