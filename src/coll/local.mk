# Sources of the module coll.
