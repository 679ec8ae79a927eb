"""From where on the doctor speaks: every threshold, with its reason.

They are set so that healthy training gives no finding: a test trains default networks
on all bundled data and generators. What they are compared with is the evidence of a
finding, so that a reader can judge it for himself.
"""

# -- how much is looked at -------------------------------------------------------------

# Rows that the checks of data look at, evenly spread, and fewer where they are so wide
# that there would be more numbers. Shares are then known to 1 %.
DATA_ROWS = 10_000
DATA_NUMBERS = 2_000_000
# Columns that are compared with each other; the work grows with their square.
COLUMNS = 1_000
# Rows of the step that is traced. A unit that is dead on 512 rows works for less than
# 1 % of them (with 99 % confidence).
STEP_ROWS = 512
# Numbers that the trace of a step may hold, over which it takes fewer rows: 160 MB.
STEP_NUMBERS = 20_000_000

# -- data ------------------------------------------------------------------------------

# Below this many rows nothing is said about columns: four rows of a truth table
# separate anything by chance.
FEWEST_ROWS = 20
# Typical size (root mean square) of a column. First weights are drawn for inputs of
# size 1: at 10 the first layer starts where sigmoid and tanh are flat, and one step of
# descent changes its outputs 100 times as much as meant.
LARGE_INPUT = 10.0
# Mean of a column in standard deviations. The loss is then (1 + 10^2) times as steep
# along the bias as along the weight, and descent crawls along a valley.
OFFSET_INPUT = 10.0
# Largest of a column: it moves the outputs no more than rounding does in a sum of ten.
SMALL_INPUT = 0.01
# A column's correlation with another, from where on it is a copy in another unit.
# Rounding to float32 leaves about 1 - 1e-7.
SAME_COLUMN = 1.0 - 1e-6
# Share of the largest class. Always naming it is then right nine times of ten, and the
# other classes add little to the gradient.
LARGEST_CLASS = 0.9
# How often the largest class outnumbers the smallest, for three classes and more.
CLASS_RATIO = 20.0
# Rows of a class below which neither learning nor validation can rely on it.
ROWS_OF_CLASS = 5
# Typical size of targets that are numbers. Outputs start near 0 and weights move by
# about the learning rate: 0.001 a step takes thousands of steps to 10.
LARGE_TARGET = 10.0
SMALL_TARGET = 0.01
# Share of the variance of a column that the target explains (or the other way round),
# from where on the column is the target in disguise. Measured relations have noise;
# two blobs would have to stand 60 deviations apart.
LEAK_VARIANCE = 0.999
# Area under the curve of a column alone, and the most that any other column reaches.
# Both classes of an easy problem are told by several columns, or by a sum of them.
LEAK_AREA = 0.9999
LEAK_OTHERS = 0.9
# So many columns make "all but one are useless" more than chance.
LEAK_COLUMNS = 4
# Share of rows whose inputs occur with another class as well. No network can be right
# on both.
CONTRADICTING = 0.1
# Share of validation rows that are training rows too, and how much above the share of
# training rows that have a twin there: data with few distinct rows repeat anyway.
OVERLAP = 0.05
OVERLAP_RATIO = 3.0

# -- one step --------------------------------------------------------------------------

# Share of a layer's units that pass no gradient for any row. A few die in healthy
# training with ReLU, and cost nothing but their place.
DEAD_SHARE = 0.4
# From here on the layer is as good as cut.
DEAD_SEVERE = 0.9
# Slope of an activation that is flat on both sides, relative to its largest: below,
# what comes back is a hundredth of what it could be (tanh beyond 3, sigmoid beyond 6).
FLAT_SLOPE = 0.01
# Share of a layer's outputs that are there. Trained networks have many; from here on
# the gradient of the whole layer is a rest.
FLAT_SHARE = 0.8
# Length of the gradient at the first layer relative to the last. Four sigmoid layers
# have 1e-2; below 1e-4 the first layers stand still while the last ones learn.
VANISHING = 1e-4
VANISHING_SEVERE = 1e-7
EXPLODING = 1e3
# Growth of the typical size of outputs from the inputs to a layer. He and Glorot
# keep it near 1; a trained network has perhaps 100.
GROWING = 1e3
# Difference of two units' weights, relative to their size, that still counts as none,
# and the same for their gradients: rounding of float32.
SAME_UNIT = 1e-6
SAME_GRADIENT = 1e-4
# Numbers over which batch normalization takes mean and variance: with 8 the deviation
# is off by 25 % in a typical batch, and every row hangs on its neighbours.
BATCH_NUMBERS = 8
# Relative difference between a layer's backward and central differences in float64,
# which are good to about 1e-8.
WRONG_GRADIENT = 1e-4

# -- course ----------------------------------------------------------------------------

# Iterations before which the course of a training says nothing.
FEWEST_ITERATIONS = 50
# Loss at the end relative to the start. It only rises if steps are too long.
RISEN = 1.2
# The same in standard deviations of the first loss, which is that of a few batches.
CHANCE = 3.0
# How far a part of the course, a twentieth, lies above the lowest before: twice that,
# and a tenth of the first loss. Means over so many batches scatter less.
JUMP = 2.0
JUMP_OF_START = 0.1
# In so many of the parts.
JUMPS = 0.2
# Epochs before which a validation loss has no trend.
FEWEST_EPOCHS = 10
# Length of a step relative to the weights that it changes. 1e-3 is usual; at 1 every
# step replaces the layer.
LONG_STEP = 1.0
# Share of the loss that is gone since the start, below which nothing happened; and how
# closely the course then follows time, which tells short steps from nothing to learn.
HARDLY = 0.05
STEADILY = 0.9
# The validation loss above its lowest, relative to it, and as share of what it ever
# fell: twice the scatter that small validation sets have.
WORSE = 0.25
WORSE_OF_FALL = 0.1
# Meanwhile the training loss fell to this share of what it was then.
LEARNED_ON = 0.8
# Loss relative to that of always giving the same answer, the best one.
NOTHING_LEARNED = 0.98
# Training loss relative to it when the rows are known by heart.
BY_HEART = 0.5
