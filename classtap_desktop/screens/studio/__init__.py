"""What a studio is and offers, entered and seen: places, classes, who teaches, documents, questions."""
