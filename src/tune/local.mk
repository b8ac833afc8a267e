# Sources of the module tune.
src_librailgauge_a_SOURCES += \
	include/railgauge/tune/binding.h \
	include/railgauge/tune/decisions.h \
	include/railgauge/tune/journal.h \
	include/railgauge/tune/search.h \
	include/railgauge/tune/trial.h \
	%D%/binding.c \
	%D%/decisions.c \
	%D%/decisions_check.c \
	%D%/decisions_fields.c \
	%D%/decisions_impl.h \
	%D%/decisions_read.c \
	%D%/journal.c \
	%D%/orphans.c \
	%D%/orphans.h \
	%D%/search.c \
	%D%/search_apart.c \
	%D%/search_boundary.c \
	%D%/search_cells.c \
	%D%/search_decide.c \
	%D%/search_impl.h \
	%D%/search_judge.c \
	%D%/search_next.c \
	%D%/trial.c \
	%D%/words.c \
	%D%/words.h
