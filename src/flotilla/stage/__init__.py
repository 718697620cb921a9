"""The idea: a stage is a pure function of declared streams, and the same function in research and live."""
