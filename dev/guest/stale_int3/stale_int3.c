// SPDX-License-Identifier: GPL-2.0-only
/*
 * For emulated guests: survive breakpoints that are no longer there
 *
 * Where the kernel changes its code (static keys, static calls), it puts a
 * breakpoint first, removes it last, and then makes all processors forget it.
 * QEMU before 8.1 translates code without a lock on its page: a processor that
 * does so while another one changes the page may keep the breakpoint, and hit it
 * when the kernel knows of none, which is fatal. What stands there is a NOP, a
 * jump or a call: do what it does, as the kernel does while it changes it.
 */

#include <linux/kdebug.h>
#include <linux/module.h>
#include <linux/notifier.h>
#include <linux/ptrace.h>
#include <linux/string.h>
#include <asm/text-patching.h>

static int stale_int3(struct notifier_block *nb, unsigned long event, void *data)
{
	static const u8 nop2[] = { 0x66, 0x90 };
	static const u8 nop5[] = { 0x0f, 0x1f, 0x44, 0x00, 0x00 };
	struct pt_regs *regs = ((struct die_args *)data)->regs;
	const u8 *insn = (const u8 *)regs->ip - INT3_INSN_SIZE;
	unsigned long next = (unsigned long)insn;

	if (event != DIE_INT3 || user_mode(regs))
		return NOTIFY_DONE;
	if (insn[0] == JMP32_INSN_OPCODE)
		int3_emulate_jmp(regs, next + JMP32_INSN_SIZE +
				 *(const s32 *)(insn + 1));
	else if (insn[0] == JMP8_INSN_OPCODE)
		int3_emulate_jmp(regs, next + JMP8_INSN_SIZE +
				 *(const s8 *)(insn + 1));
	else if (insn[0] == CALL_INSN_OPCODE)
		int3_emulate_call(regs, next + CALL_INSN_SIZE +
				  *(const s32 *)(insn + 1));
	else if (!memcmp(insn, nop5, sizeof(nop5)))
		int3_emulate_jmp(regs, next + sizeof(nop5));
	else if (!memcmp(insn, nop2, sizeof(nop2)))
		int3_emulate_jmp(regs, next + sizeof(nop2));
	else
		return NOTIFY_DONE;
	pr_info_once("stale_int3: a breakpoint that is not there, at %pS\n", insn);
	return NOTIFY_STOP;
}

static struct notifier_block stale_int3_nb = { .notifier_call = stale_int3 };

static int __init stale_int3_init(void)
{
	return register_die_notifier(&stale_int3_nb);
}
module_init(stale_int3_init);

static void __exit stale_int3_exit(void)
{
	unregister_die_notifier(&stale_int3_nb);
}
module_exit(stale_int3_exit);

MODULE_DESCRIPTION("Survive breakpoints that are no longer there");
MODULE_LICENSE("GPL");
