"""The shape of each kind of file, as pydantic models; the published JSON Schemas come from them."""
