import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;

/** Four workers take one monitor, sleep 10 ms in it, and sleep 1 ms without it. */
public class Pool {
    private static final Object MONITOR = new Object();

    public static void main(String[] arguments) throws InterruptedException {
        ExecutorService pool = Executors.newFixedThreadPool(4);
        for (int job = 0; job < 60; job++) {
            pool.submit(Pool::work);
        }
        pool.shutdown();
        pool.awaitTermination(1, TimeUnit.MINUTES);
    }

    private static Void work() throws InterruptedException {
        synchronized (MONITOR) {
            Thread.sleep(10);
        }
        Thread.sleep(1);
        return null;
    }
}
