"""The business, one folder each. A context calls only contexts below it, through their public face."""
