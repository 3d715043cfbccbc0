"""The life of a map: what is said of it, its versions, for which classes it comes into force, how it reaches other rooms."""
