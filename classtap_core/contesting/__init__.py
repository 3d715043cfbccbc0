"""Facts that nobody with the right told: kept, shown, and decided by somebody who has it."""
