"""The audit: what was done, as entries that people can read, find, compare, export and keep for as long as they must."""
