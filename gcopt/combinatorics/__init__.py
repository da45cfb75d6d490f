"""Finite fields, designs and graphs: parameters in, arrays out. Codes are made of them in gcopt.families."""
