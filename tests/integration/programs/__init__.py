"""Files of functions that tests run in processes of their own."""
