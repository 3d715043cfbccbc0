"""Who may take a class: its rule put together from conditions, said as a sentence, and tried on a child."""
