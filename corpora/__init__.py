"""What Curbside keeps: records, pictures, the catalogue, readers, domains and language."""
