/*
 * call makes system calls and says what came of each: the tests' payload under a seccomp filter.
 *
 * usage: call CALL...      with CALL = [x86:|x32:]NR[,ARG...], numbers as in C
 *        call trap CALL    the same, with a handler for SIGSYS that prints the call it was told of
 *        call thread CALL  in a thread of its own; the first one lives on and says so
 *
 * For each call it prints the result on a line: "ok" for 0 and above, else the errno's number. It has no
 * libc, so that it makes no other calls than write and exit (and, in the two modes, rt_sigaction, clone,
 * futex) and a profile of a few names is enough for it. x86_64 only:
 *   gcc -O1 -static -nostdlib -fno-stack-protector -o call call.c
 */
typedef unsigned long u64;
typedef long i64;

enum { WRITE = 1, SIGACTION = 13, SIGRETURN = 15, CLONE = 56, EXIT = 60, FUTEX = 202, EXIT_GROUP = 231 };
#define X32 0x40000000UL

static i64 sys(u64 nr, u64 a, u64 b, u64 c, u64 d, u64 e, u64 f)
{
	register u64 r10 __asm__("r10") = d, r8 __asm__("r8") = e, r9 __asm__("r9") = f;
	i64 ret;
	__asm__ volatile("syscall" : "=a"(ret)
		: "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9) : "rcx", "r11", "memory");
	return ret;
}

/* The way of 32-bit programs; the kernel takes it from a 64-bit one as well and reports arch i386. */
static i64 sys86(u64 nr, u64 a, u64 b, u64 c)
{
	int ret;
	__asm__ volatile("int $0x80" : "=a"(ret)
		: "a"(nr), "b"(a), "c"(b), "d"(c) : "r8", "r9", "r10", "r11", "memory");
	return ret;
}

static void print(const char *s)
{
	u64 n = 0;
	while (s[n])
		n++;
	sys(WRITE, 1, (u64)s, n, 0, 0, 0);
}

static void number(u64 n)
{
	char text[24];
	int at = sizeof text - 1;
	text[at] = 0;
	do
		text[--at] = '0' + n % 10;
	while (n /= 10);
	print(text + at);
}

static u64 parse(const char **s)
{
	u64 n = 0, base = 10;
	if ((*s)[0] == '0' && (*s)[1] == 'x') {
		base = 16;
		*s += 2;
	}
	for (;; (*s)++) {
		char c = **s;
		if (c >= '0' && c <= '9')
			n = n * base + (c - '0');
		else if (base == 16 && c >= 'a' && c <= 'f')
			n = n * 16 + (c - 'a' + 10);
		else
			return n;
	}
}

static void call(const char *s)
{
	u64 nr, arg[6] = { 0 };
	int x86 = s[0] == 'x' && s[1] == '8', x32 = s[0] == 'x' && s[1] == '3', n = 0;
	i64 ret;
	if (x86 || x32)
		s += 4;
	nr = parse(&s);
	while (*s == ',' && n < 6) {
		s++;
		arg[n++] = parse(&s);
	}
	if (x86)
		ret = sys86(nr, arg[0], arg[1], arg[2]);
	else
		ret = sys(x32 ? nr | X32 : nr, arg[0], arg[1], arg[2], arg[3], arg[4], arg[5]);
	if (ret < 0 && ret > -4096)
		number(-ret);
	else
		print("ok");
	print("\n");
}

static int starts(const char *s, const char *with)
{
	while (*with)
		if (*s++ != *with++)
			return 0;
	return 1;
}

/* siginfo_t for SIGSYS: signo, errno, code, padding, address, call, architecture. */
static void on_sys(int sig, int *info)
{
	(void)sig;
	print("trapped ");
	number(info[6]);
	print(" errno ");
	number(info[1]);
	print("\n");
}

__attribute__((naked)) static void restorer(void) { __asm__("mov $15, %eax\n\tsyscall"); }

static char stack[16384] __attribute__((aligned(16)));
static const char *in_thread;
static int alive = 1;

static void thread(void)
{
	call(in_thread);
	sys(EXIT, 0, 0, 0, 0, 0, 0);
}

/* The kernel clears the word and wakes us when the thread is gone (CLONE_CHILD_CLEARTID). */
static void run_thread(void)
{
	/* VM|FS|FILES|SIGHAND|THREAD|SYSVSEM|CHILD_CLEARTID */
	u64 flags = 0x100 | 0x200 | 0x400 | 0x800 | 0x10000 | 0x40000 | 0x200000;
	u64 *top = (u64 *)(stack + sizeof stack) - 1; /* taken off, which aligns the stack for the call */
	i64 ret;
	register u64 r10 __asm__("r10") = (u64)&alive, r8 __asm__("r8") = 0;
	top[0] = (u64)thread;
	__asm__ volatile("syscall\n\ttest %%rax, %%rax\n\tjnz 1f\n\tpop %%rax\n\tcall *%%rax\n1:" : "=a"(ret)
		: "a"(CLONE), "D"(flags), "S"(top), "d"(0), "r"(r10), "r"(r8) : "rcx", "r11", "memory");
	while (__atomic_load_n(&alive, __ATOMIC_SEQ_CST))
		sys(FUTEX, (u64)&alive, 0, 1, 0, 0, 0);
}

__attribute__((used)) static void begin(u64 *sp)
{
	int argc = sp[0], i = 1;
	const char **argv = (const char **)(sp + 1);
	if (argc > 2 && starts(argv[1], "trap")) {
		u64 act[4] = { (u64)on_sys, 0x4 | 0x04000000, (u64)restorer, 0 }; /* SA_SIGINFO|SA_RESTORER */
		sys(SIGACTION, 31, (u64)act, 0, 8, 0, 0);
		i = 2;
	} else if (argc > 2 && starts(argv[1], "thread")) {
		in_thread = argv[2];
		run_thread();
		print("the first thread lives\n");
		sys(EXIT_GROUP, 0, 0, 0, 0, 0, 0);
	}
	for (; i < argc; i++)
		call(argv[i]);
	sys(EXIT_GROUP, 0, 0, 0, 0, 0, 0);
}

__attribute__((naked)) void _start(void)
{
	__asm__("mov %rsp, %rdi\n\tand $-16, %rsp\n\tcall begin");
}
