"""What every room stands on: ids, time, records, operations, the bus, the chains."""
