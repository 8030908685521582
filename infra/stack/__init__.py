"""The local stack: real servers, supervised."""
