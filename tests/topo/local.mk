# Tests of the module topo.
