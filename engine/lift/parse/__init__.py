"""Parse: what each pixel of the person shows: skin, hair, a garment, a thing."""
