# Sources of the module topo.
