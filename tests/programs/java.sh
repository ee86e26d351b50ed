# A pool of four Java threads that fight over one monitor, and sleep between.
command='java -Xmx64m -XX:TieredStopAtLevel=1 -cp . Pool'
prepare() { javac -d . "$sources/Pool.java"; }
