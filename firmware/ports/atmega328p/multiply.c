/* Signed 16 by 16 bits to 32, in place of libgcc's: that one skips over a `ret`, after which
 * QEMU 7.2 stays where it is for ever. Registers are those GCC calls it with:
 * r25:r22 = r27:r26 * r19:r18; r1 is zero, no others change. */

/* A negative factor counts 2^16 times the other one too much in an unsigned product. */
__asm("    .text\n"
      "    .global __mulhisi3\n"
      "    .type __mulhisi3, @function\n"
      "__mulhisi3:\n"
      "    call __umulhisi3\n"
      "    tst r19\n"
      "    brpl 1f\n"
      "    sub r24, r26\n"
      "    sbc r25, r27\n"
      "    rjmp 1f\n"
      /* r27:r26 is signed, r19:r18 is not. */
      "    .global __usmulhisi3\n"
      "    .type __usmulhisi3, @function\n"
      "__usmulhisi3:\n"
      "    call __umulhisi3\n"
      "    .global __usmulhisi3_tail\n"
      "__usmulhisi3_tail:\n"
      "1:\n"
      "    tst r27\n"
      "    brpl 2f\n"
      "    sub r24, r18\n"
      "    sbc r25, r19\n"
      "2:\n"
      "    ret\n");
