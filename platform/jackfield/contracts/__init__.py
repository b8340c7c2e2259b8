"""What a plugin can offer: Protocols for what runs, Structs for what is data. Imports no room and nothing heavy."""
