"""The rules of a studio: records, operations and the encrypted store. No Qt, no network."""
