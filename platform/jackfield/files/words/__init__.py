"""Words to calls: what somebody says of their files, read as steps, shown, and then done."""
