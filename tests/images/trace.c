#include "tests/images/trace.h"

#include "tests/support/child.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef __x86_64__

static uintptr_t read_pc(pid_t pid)
{
	return (uintptr_t)ptrace(PTRACE_PEEKUSER, pid, offsetof(struct user, regs.rip), 0);
}

static void write_pc(pid_t pid, uintptr_t pc)
{
	ptrace(PTRACE_POKEUSER, pid, offsetof(struct user, regs.rip), pc);
}

/* Of the function whose first instruction comes next. */
static uintptr_t return_address(pid_t pid)
{
	long stack = ptrace(PTRACE_PEEKUSER, pid, offsetof(struct user, regs.rsp), 0);

	return (uintptr_t)ptrace(PTRACE_PEEKTEXT, pid, stack, 0);
}

/* int3, after which the counter stands one further. */
enum { BREAKPOINT = 0xcc, BREAKPOINT_MASK = 0xff, BREAKPOINT_BYTES = 1 };

static void read_call(pid_t pid, struct trace_call *ret_call)
{
	struct user_regs_struct r;

	ptrace(PTRACE_GETREGS, pid, 0, &r);
	*ret_call = (struct trace_call){
		.is_call = true, .number = r.orig_rax, .argument = {r.rdi, r.rsi, r.rdx, r.r10}};
}

static int64_t read_result(pid_t pid)
{
	return ptrace(PTRACE_PEEKUSER, pid, offsetof(struct user, regs.rax), 0);
}

static const char *machine_refusal(void)
{
	return NULL;
}

#else /* arm64: a pair of exclusive load and store never succeeds when an exception comes between them */

enum { BREAKPOINT = 0, BREAKPOINT_MASK = 0, BREAKPOINT_BYTES = 0 };

static uintptr_t read_pc(pid_t pid)
{
	(void)pid;
	return 0;
}

static void write_pc(pid_t pid, uintptr_t pc)
{
	(void)pid;
	(void)pc;
}

static uintptr_t return_address(pid_t pid)
{
	(void)pid;
	return 0;
}

static void read_call(pid_t pid, struct trace_call *ret_call)
{
	(void)pid;
	*ret_call = (struct trace_call){.is_call = true};
}

static int64_t read_result(pid_t pid)
{
	(void)pid;
	return 0;
}

static const char *machine_refusal(void)
{
	return "only x86-64 can be run one instruction at a time";
}

#endif

static bool wait_stopped(pid_t pid, int *ret_status)
{
	while (waitpid(pid, ret_status, 0) < 0)
		if (errno != EINTR)
			return false;
	return WIFSTOPPED(*ret_status);
}

static void stop_traced(void *context)
{
	(void)context;
	if (ptrace(PTRACE_TRACEME, 0, 0, 0) != 0)
		_exit(1);
	raise(SIGSTOP);
}

const char *trace_refusal(void)
{
	bool steps;
	pid_t pid;
	int status;

	if (machine_refusal() != NULL)
		return machine_refusal();
	pid = child_start(stop_traced, NULL);
	if (!wait_stopped(pid, &status))
		return "ptrace is refused here";
	steps = ptrace(PTRACE_SINGLESTEP, pid, 0, 0) == 0 && wait_stopped(pid, &status) &&
		WSTOPSIG(status) == SIGTRAP;
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	return steps ? NULL : "single steps are refused here";
}

struct start {
	const char *program;
	int stage_fd;
	uint32_t script;
};

static void become_victim(void *context)
{
	const struct start *start = context;
	char fd[16], script[16];

	snprintf(fd, sizeof(fd), "%d", start->stage_fd);
	snprintf(script, sizeof(script), "%u", start->script);
	/* The same addresses each time, so that what is printed can be looked up. */
	personality(ADDR_NO_RANDOMIZE);
	/* A copy by one instruction would be 70,000 steps for a body of 70,000 bytes. */
	setenv("GLIBC_TUNABLES",
	       "glibc.cpu.x86_rep_movsb_threshold=1000000:glibc.cpu.x86_rep_stosb_threshold=1000000", 1);
	ptrace(PTRACE_TRACEME, 0, 0, 0);
	execl(start->program, start->program, fd, script, (char *)NULL);
	perror(start->program);
	_exit(1);
}

/* Tracer and victim on one core, each worker on another: a step is then three times as fast. */
static void stay_on_core(struct trace *trace, uint32_t worker)
{
	uint32_t wanted, seen = 0;
	cpu_set_t one;

	sched_getaffinity(0, sizeof(trace->cpus), &trace->cpus);
	wanted = worker % (uint32_t)CPU_COUNT(&trace->cpus);
	for (uint32_t cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &trace->cpus) || seen++ < wanted)
			continue;
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		sched_setaffinity(0, sizeof(one), &one);
		return;
	}
}

void trace_start(struct trace *trace, struct stage *stage, const char *program, int stage_fd, uint32_t script,
		 uint32_t worker)
{
	struct start start = {.program = program, .stage_fd = stage_fd, .script = script};
	int status;

	memset(trace, 0, offsetof(struct trace, covered));
	trace->stage = stage;
	stay_on_core(trace, worker);
	trace->pid = child_start(become_victim, &start);
	/* Once after its exec, then where it stops itself. */
	if (!wait_stopped(trace->pid, &status) ||
	    ptrace(PTRACE_SETOPTIONS, trace->pid, 0, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL) != 0 ||
	    ptrace(PTRACE_CONT, trace->pid, 0, 0) != 0 || !wait_stopped(trace->pid, &status) ||
	    WSTOPSIG(status) != SIGSTOP)
		scene_fail(&stage->scene, "the victim does not begin: %s %.400s", child_status_text(status),
			   stage->scene.failure);
	trace->at.pc = read_pc(trace->pid);
}

static bool is_in_product(const struct trace *trace, uintptr_t at)
{
	return at >= trace->stage->text_begin && at < trace->stage->text_end;
}

static bool is_in_program(const struct trace *trace, uintptr_t at)
{
	return at >= trace->stage->program && at < trace->stage->program_end;
}

static bool is_writer(const struct trace *trace, uintptr_t at)
{
	for (uint32_t i = 0; i < WRITERS_MAX; i++)
		if (trace->stage->writer[i] == at && at != 0)
			return true;
	return false;
}

static void note_covered(struct trace *trace)
{
	uintptr_t at = trace->at.pc - trace->stage->text_begin;

	if (!is_in_product(trace, trace->at.pc))
		return;
	trace->product_steps++;
	if (at < TEXT_BYTES_MAX)
		trace->covered[at / 8] |= (unsigned char)(1 << at % 8);
}

/* At the first instruction of a function of libc: shall it run as a whole? Then it has a breakpoint where it will
 * return to. */
static void enter_libc(struct trace *trace)
{
	uintptr_t caller;

	if (is_in_program(trace, trace->at.pc)) {
		trace->is_stepping_libc = false;
		return;
	}
	if (trace->is_stepping_libc || trace->returns_to != 0)
		return;
	caller = return_address(trace->pid);
	if (!is_in_program(trace, caller) || (is_in_product(trace, caller) && is_writer(trace, trace->at.pc))) {
		trace->is_stepping_libc = true;
		return;
	}
	trace->returns_to = caller;
	trace->hidden = ptrace(PTRACE_PEEKTEXT, trace->pid, caller, 0);
	ptrace(PTRACE_POKETEXT, trace->pid, caller, (trace->hidden & ~(long)BREAKPOINT_MASK) | BREAKPOINT);
}

static void leave_libc(struct trace *trace)
{
	ptrace(PTRACE_POKETEXT, trace->pid, trace->returns_to, trace->hidden);
	write_pc(trace->pid, trace->returns_to);
	trace->returns_to = 0;
}

/* Runs on up to the end of a system call or the return from libc. */
static bool run_libc(struct trace *trace, int *ret_status)
{
	const int call_stop = SIGTRAP | 0x80;

	if (ptrace(PTRACE_SYSCALL, trace->pid, 0, 0) != 0 || !wait_stopped(trace->pid, ret_status))
		return false;
	if (WSTOPSIG(*ret_status) == SIGTRAP) {
		leave_libc(trace);
		return true;
	}
	if (WSTOPSIG(*ret_status) != call_stop)
		return true; /* a signal, which the caller looks at */
	read_call(trace->pid, &trace->call);
	if (ptrace(PTRACE_SYSCALL, trace->pid, 0, 0) != 0 || !wait_stopped(trace->pid, ret_status))
		return false;
	trace->call.result = read_result(trace->pid);
	trace->calls += trace->stage->is_running && !trace->stage->is_noting;
	*ret_status = *ret_status & ~0x8000; /* as any other step */
	return true;
}

static bool run_instruction(struct trace *trace, int *ret_status)
{
	if (trace->stage->is_running)
		note_covered(trace);
	return ptrace(PTRACE_SINGLESTEP, trace->pid, 0, 0) == 0 && wait_stopped(trace->pid, ret_status);
}

static struct visited *visited_at(struct trace *trace, uintptr_t pc)
{
	for (size_t i = 0, at = pc % VISITED_MAX; i < VISITED_MAX; i++, at = (at + 1) % VISITED_MAX) {
		struct visited *visited = &trace->visited[at];

		if (visited->pc == pc || visited->pc == 0) {
			visited->pc = pc;
			return visited;
		}
	}
	fprintf(stderr, "the victim comes to too many places\n");
	exit(1);
}

static void note_place(struct trace *trace)
{
	struct trace_place *at = &trace->at;

	at->step++;
	at->from_steps++;
	at->pc = read_pc(trace->pid);
	if (is_in_program(trace, at->pc)) {
		at->from = at->pc;
		at->from_visits = ++visited_at(trace, at->pc)->count;
		at->from_steps = 0;
	}
}

bool trace_step(struct trace *trace, int *ret_status)
{
	trace->call.is_call = false;
	enter_libc(trace);
	if (trace->returns_to != 0 ? !run_libc(trace, ret_status) : !run_instruction(trace, ret_status))
		return false;
	note_place(trace);
	if (WSTOPSIG(*ret_status) == SIGTRAP)
		return true;
	/* A fault of its own: as it would have ended. */
	*ret_status = WSTOPSIG(*ret_status);
	trace_kill(trace);
	return false;
}

/* ---- without steps ---------------------------------------------------------------------------- */

static bool run_to_visit(struct trace *trace, uintptr_t pc, uint64_t visits, int *ret_status)
{
	long hidden = ptrace(PTRACE_PEEKTEXT, trace->pid, pc, 0);
	long shown = (hidden & ~(long)BREAKPOINT_MASK) | BREAKPOINT;

	for (uint64_t visit = 1;; visit++) {
		ptrace(PTRACE_POKETEXT, trace->pid, pc, shown);
		if (ptrace(PTRACE_CONT, trace->pid, 0, 0) != 0 || !wait_stopped(trace->pid, ret_status) ||
		    WSTOPSIG(*ret_status) != SIGTRAP || read_pc(trace->pid) != pc + BREAKPOINT_BYTES)
			return false;
		ptrace(PTRACE_POKETEXT, trace->pid, pc, hidden);
		write_pc(trace->pid, pc);
		if (visit == visits)
			return true;
		if (ptrace(PTRACE_SINGLESTEP, trace->pid, 0, 0) != 0 || !wait_stopped(trace->pid, ret_status) ||
		    WSTOPSIG(*ret_status) != SIGTRAP)
			return false;
	}
}

bool trace_run_to(struct trace *trace, const struct trace_place *place, int *ret_status)
{
	if (place->from_visits > 0 && !run_to_visit(trace, place->from, place->from_visits, ret_status))
		return false;
	trace->at = *place;
	trace->at.pc = read_pc(trace->pid);
	for (uint64_t i = 0; i < place->from_steps; i++)
		if (!trace_step(trace, ret_status))
			return false;
	return trace->at.pc == place->pc;
}

void trace_kill(struct trace *trace)
{
	int status;

	kill(trace->pid, SIGKILL);
	while (waitpid(trace->pid, &status, 0) < 0 && errno == EINTR)
		;
	sched_setaffinity(0, sizeof(trace->cpus), &trace->cpus);
}
