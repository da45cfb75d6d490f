"""What people read, for each verb: tables and sentences. Scripts read the JSON instead; pictures.py draws."""
