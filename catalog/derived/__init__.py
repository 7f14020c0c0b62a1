"""What libraries made from another library share: a folder of their own, and takes that are made once."""
