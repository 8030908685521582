"""What runs functions: worker, HTTP host, local stack, command line."""
