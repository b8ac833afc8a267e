/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The search, in parts. Private to src/tune.
 *   search.c           phases: what a launch's outcome leads to
 *   search_next.c      which launch comes next
 *   search_apart.c     launches that fail, taken apart
 *   search_cells.c     what was measured, and ratios of it
 *   search_judge.c     who leaves, and which choices sizes are given
 *   search_boundary.c  sizes in between
 *   search_decide.c    the decision as others read it
 */
#ifndef RG_TUNE_SEARCH_IMPL_H
#define RG_TUNE_SEARCH_IMPL_H

#include "railgauge/tune/search.h"

#define SEARCH_WHY_BYTES 160 /* struct rg_evidence's */

/* One candidate at one size in one launch. */
struct shot {
	uint32_t launch; /* its number */
	bool screen;	 /* no evidence for a gain */
	double median_ns, lo_ns, hi_ns;
	uint64_t n;
};

enum cell_state {
	CELL_ACTIVE,
	CELL_BEATEN,
	CELL_REFUSED,
};

/* One candidate at one size. */
struct cell {
	enum cell_state state;
	bool again;		    /* it is looked at a second time */
	char why[SEARCH_WHY_BYTES]; /* REFUSED */
	uint32_t nsilent;	    /* launches in which no repetition counted */
	struct shot *shots;	    /* owned, [nshots], in the order of launches */
	uint32_t nshots, room;
};

struct candidate {
	struct rg_choice choice;
	bool excluded;
	char why[SEARCH_WHY_BYTES]; /* excluded */
};

struct point {
	uint64_t size_bytes;
	/* A size in between: which two candidates it is about, and what came of it. */
	bool boundary;
	uint32_t first, second;
	bool decided;
	bool dropped;	    /* before it was decided, since both its neighbours have one choice */
	uint32_t nlaunches; /* it was in, whatever they told of it */
	uint32_t choice;    /* candidate; 0 until it is known */
	struct cell *cells; /* owned, [RG_SEARCH_CANDIDATES_MAX] */
};

enum stage {
	STAGE_LIST,
	STAGE_SCREEN,
	STAGE_CONFIRM,
	STAGE_BOUNDARY,
	STAGE_END,
};

struct rg_search {
	struct rg_search_config config;
	enum stage stage;
	struct candidate candidates[RG_SEARCH_CANDIDATES_MAX]; /* the default is first */
	uint32_t ncandidates;
	struct point *points; /* owned, [npoints], ascending */
	uint32_t npoints, points_room;
	uint32_t nlaunches; /* that were fed */
	uint32_t nconfirm;  /* of these, those of CONFIRM */
	bool complete;	    /* candidates with segment sizes are there, too */
	bool boundaries;    /* their search began */

	/* A launch of the stage that is taken apart. */
	bool apart;
	uint32_t suspect;	    /* candidate that is alone now */
	bool suspect_failed;	    /* once; it is launched again */
	uint32_t nfailed;	    /* launches of the stage in a row */
	uint32_t nunexplained;	    /* launches that were taken apart without a culprit */
	bool culprit;		    /* somebody was excluded this time */
	char why[SEARCH_WHY_BYTES]; /* of the launch */

	char note[SEARCH_WHY_BYTES];

	/* The launch that is to be made next. */
	struct rg_search_point *plan; /* owned, [npoints] */
	struct rg_choice *choices;    /* owned, [npoints][ncandidates] */
};

/* --- search_cells.c --- */

void cells_text(char text[SEARCH_WHY_BYTES], const char *why);

/* RG_ERR_LIMIT. */
int cells_add_candidate(struct rg_search *s, const struct rg_choice *choice, struct rg_err *err);

/* UINT32_MAX: there is none. */
uint32_t cells_candidate(const struct rg_search *s, const struct rg_choice *choice);

/* A point of that size, or NULL; and a new one, which must not be there yet. */
struct point *cells_point(const struct rg_search *s, uint64_t size_bytes);
int cells_add_point(struct rg_search *s, uint64_t size_bytes, struct point **out,
		    struct rg_err *err);
void cells_release(struct rg_search *s);

/* Room for the launch that is to be made. RG_ERR_NO_MEMORY. */
int cells_reserve(struct rg_search *s, struct rg_err *err);

int cells_add_shot(struct cell *cell, const struct shot *shot, struct rg_err *err);

/* May it still be measured there? */
bool cells_usable(const struct rg_search *s, const struct point *p, uint32_t c);

/*
 * a's time over b's in the launches that both were in, screen or not; of the level. n 0: there are
 * none.
 */
struct rg_ratio cells_ratio(const struct point *p, uint32_t a, uint32_t b, bool screen,
			    double level);

/* Launches beyond the screening that the candidate was in there, or with screen those of it. */
uint32_t cells_count(const struct point *p, uint32_t c, bool screen);

/*
 * The candidate's gain over the default in each launch beyond the screening that had both at all
 * points first .. last that count: geometric means over these. Those in between, or the others.
 * Returns in how many launches.
 */
uint32_t cells_gains(const struct rg_search *s, uint32_t first, uint32_t last, bool boundary,
		     uint32_t c, double gains[RG_SEARCH_LAUNCHES_MAX]);

/* Does a point count: was it measured, and, if it is one in between, to the end? */
bool cells_count_for(const struct point *p, bool boundary);

/*
 * Was the library's own choice measured there at all? Where it was not, there is no other choice
 * either.
 */
bool cells_alive(const struct point *p);

/* --- search_judge.c --- */

void judge_screen(struct rg_search *s);
void judge_confirm(struct rg_search *s);

/* How many launches of confirm there are in all, those of a second look among them. */
uint32_t judge_looks_launches(const struct rg_search *s);

/* Gives all sizes that were asked for their choice. */
void judge_choices(struct rg_search *s);

/* The best choice for that size alone, also of those that left because one was better. */
uint32_t judge_best(const struct rg_search *s, const struct point *p);

/* Of an interval of one of so many comparisons, if all are to hold in 95 %, at all looks. */
double judge_level(const struct rg_search *s, bool boundary, uint32_t compared);

/* A gain over the launches, at the level for its size; n 0: none. */
struct rg_ratio judge_gain(const struct rg_search *s, const struct point *p, uint32_t c);

/* --- search_boundary.c --- */

/* Is it still to be found out which of the two is better there? */
bool boundary_is_open(const struct point *p);

/* Sizes between neighbours that still differ. RG_ERR_NO_MEMORY. */
int boundary_add(struct rg_search *s, struct rg_err *err);
void boundary_judge(struct rg_search *s);

/* About how many launches they will take. */
uint32_t boundary_left(const struct rg_search *s);

/* --- search_apart.c --- */

/* A launch of the stage failed. */
void apart_begin(struct rg_search *s, const char *why);

/* The suspect's own launch was made. RG_ERR_UNSUPPORTED: the default fails. */
int apart_feed(struct rg_search *s, const struct rg_search_outcome *outcome, struct rg_err *err);

/* --- search_next.c --- */

/* Fills the plan with who has a part in the stage's launch, or with the suspect's part of it. */
uint32_t search_plan(struct rg_search *s);

/* Has the candidate a part in the stage's next launch at this point? */
bool search_wants(const struct rg_search *s, const struct point *p, uint32_t c);
bool search_wants_any(const struct rg_search *s, uint32_t c);

/* --- search.c --- */

void search_exclude(struct rg_search *s, uint32_t c, const char *why);
void search_refuse(struct point *p, uint32_t c, const char *why);

#endif
