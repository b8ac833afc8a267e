# Tests of the module coll.
