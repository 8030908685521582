"""The models that look at photos: where they come from, and how Triton serves them."""
