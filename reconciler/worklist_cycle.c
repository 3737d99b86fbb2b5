/*
 * Strongly connected components of the graph of repositories (Tarjan's algorithm, with a stack of
 * its own: the depth is the manifests' choice). Nodes are destinations, edges lead from a
 * destination to the sources that are destinations themselves. A claim is in a circle exactly if
 * both its ends are in one component.
 */
#include "reconciler/worklist_cycle.h"

struct frame {
	uint32_t node, next_claim;
};

struct search {
	const struct worklist *list;
	uint32_t *order;     /* of the first visit, from 1; 0: not visited */
	uint32_t *low;	     /* smallest order reachable */
	uint32_t *component; /* WORK_NONE while on the stack or not visited */
	VEC(uint32_t) stack;
	VEC(struct frame) frames;
	uint32_t visited, components;
};

static void enter(struct search *s, uint32_t node)
{
	s->order[node] = s->low[node] = ++s->visited;
	*vec_push(&s->stack) = node;
	*vec_push(&s->frames) = (struct frame){.node = node};
}

static void leave(struct search *s, uint32_t node)
{
	uint32_t member;

	s->frames.len--;
	if (s->frames.len) {
		uint32_t parent = s->frames.items[s->frames.len - 1].node;

		if (s->low[node] < s->low[parent])
			s->low[parent] = s->low[node];
	}
	if (s->low[node] != s->order[node])
		return;
	do {
		member = s->stack.items[--s->stack.len];
		s->component[member] = s->components;
	} while (member != node);
	s->components++;
}

/* The repository an edge leads to, WORK_NONE if that is no destination. */
static uint32_t feeder_of(const struct worklist *list, const struct work_claim *claim)
{
	return list->sources.items[claim->source].destination;
}

static void visit(struct search *s, uint32_t start)
{
	enter(s, start);
	while (s->frames.len) {
		struct frame *frame = &s->frames.items[s->frames.len - 1];
		const struct work_destination *destination =
			&s->list->destinations.items[frame->node];
		uint32_t node = frame->node, next;

		if (frame->next_claim == destination->claim_count) {
			leave(s, node);
			continue;
		}
		next = feeder_of(s->list,
			&s->list->claims.items[destination->first_claim + frame->next_claim++]);
		if (next == WORK_NONE)
			continue;
		if (!s->order[next])
			enter(s, next);
		else if (s->component[next] == WORK_NONE && s->order[next] < s->low[node])
			s->low[node] = s->order[next];
	}
}

static void report(struct worklist *list, const struct work_claim *claim)
{
	const struct declared_image *image = &list->declared->images.items[claim->image];
	const struct declared_project *project = &list->declared->projects.items[image->project];

	*vec_push(&list->findings) = (struct finding){
		.kind = FINDING_CYCLE,
		.place = {.file = project->images_file, .line = image->line},
		.project = project->name,
		.message = mem_printf("image %s: %s is promoted from %s, which is promoted from it "
				      "again, directly or through other projects; break the circle",
			image->name, list->destinations.items[claim->destination].name,
			list->sources.items[claim->source].name),
	};
}

static void mark(struct worklist *list, const uint32_t *component)
{
	CLEANUP(mem_freep) bool *reported = mem_new(list->declared->images.len + 1, sizeof(bool));

	for (size_t i = 0; i < list->claims.len; i++) {
		struct work_claim *claim = &list->claims.items[i];
		uint32_t feeder = feeder_of(list, claim);

		if (feeder == WORK_NONE || component[feeder] != component[claim->destination])
			continue;
		claim->in_cycle = true;
		if (!reported[claim->image])
			report(list, claim);
		reported[claim->image] = true;
	}
}

void worklist_find_cycles(struct worklist *list)
{
	size_t n = list->destinations.len;
	CLEANUP(mem_freep) uint32_t *order = mem_new(n + 1, sizeof(*order));
	CLEANUP(mem_freep) uint32_t *low = mem_new(n + 1, sizeof(*low));
	CLEANUP(mem_freep) uint32_t *component = mem_new(n + 1, sizeof(*component));
	struct search search = {.list = list, .order = order, .low = low, .component = component};
	bool chained = false;

	for (size_t i = 0; i < list->sources.len; i++)
		chained |= list->sources.items[i].destination != WORK_NONE;
	if (!chained)
		return;
	memset(component, 0xff, n * sizeof(*component));
	for (size_t i = 0; i < n; i++)
		if (!order[i])
			visit(&search, (uint32_t)i);
	mark(list, component);
	vec_release(&search.stack);
	vec_release(&search.frames);
}
