package tests;

/** Prints a line for each test, and the closing one. */
class Tally {
    interface Test {
        void run() throws Exception;
    }

    private int passed, failed;

    void test(String sentence, Test test) {
        try {
            test.run();
            passed++;
            System.out.println("ok: should " + sentence);
        } catch (Exception | AssertionError fault) {
            failed++;
            System.out.println("not ok: should " + sentence + ": " + fault);
        }
    }

    static void check(Object expected, Object value, String what) {
        if (!expected.equals(value))
            throw new AssertionError(what + ": " + value + ", not " + expected);
    }

    void close() {
        System.out.printf("%d passed, %d failed%n", passed, failed);
        System.exit(failed == 0 ? 0 : 1);
    }
}
