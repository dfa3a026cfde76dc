"""The course's Keras recipe: convnet of 93,322 parameters, RMSprop, batches of 64.

    KERAS_BACKEND=tensorflow .venv-peers/bin/python benchmarks/peers/keras_mnist.py --seed 0

It fits on all 60,000 training images and evaluates on the test images afterwards, as the course
does, so no validation pass is in its time. Everything else is Keras' default. Fashion-MNIST gets
the number of epochs after which the test images were at their best, in the peer's favour.
"""

import os

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
from keras import layers
from side import THREADS, Result, Stopwatch, parser, read

EPOCHS = {"mnist": 5, "fashion-mnist": 6}  # 5 is the course's


def limit_threads(backend: str) -> None:
    """Hold the backend to THREADS threads; JAX has no setting: taskset holds it."""
    if backend == "tensorflow":
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(THREADS)
        tf.config.threading.set_inter_op_parallelism_threads(THREADS)
    elif backend == "torch":
        import torch

        torch.set_num_threads(THREADS)


def network() -> keras.Model:
    return keras.Sequential(
        [
            layers.Input((28, 28, 1)),
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Conv2D(64, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Conv2D(64, 3, activation="relu"),
            layers.Flatten(),
            layers.Dense(64, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )


def main() -> None:
    arguments = parser(__doc__, epochs=0)
    arguments.add_argument("--jit", choices=("auto", "true", "false"), default="auto")
    arguments.add_argument(
        "--trace", action="store_true", help="test after every epoch, and say so"
    )
    chosen = arguments.parse_args()
    backend, epochs = keras.backend.backend(), chosen.epochs or EPOCHS[chosen.data]
    limit_threads(backend)
    keras.utils.set_random_seed(chosen.seed)
    train_images, train_labels, test_images, test_labels = read(chosen.data)
    train_images, test_images = (
        images[..., None].astype("float32") / 255 for images in (train_images, test_images)
    )
    model = network()
    model.compile(
        optimizer="rmsprop",
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
        jit_compile={"auto": "auto", "true": True, "false": False}[chosen.jit],
    )
    with Stopwatch() as watch:
        past = model.fit(
            train_images,
            train_labels,
            batch_size=64,
            epochs=epochs,
            verbose=0,
            validation_data=(test_images, test_labels) if chosen.trace else None,
        )
    if chosen.trace:
        print([round(value, 4) for value in past.history["val_accuracy"]])
    accuracy = model.evaluate(test_images, test_labels, verbose=0, return_dict=True)["accuracy"]
    Result(
        peer="keras",
        data=chosen.data,
        watch=watch,
        accuracy=accuracy,
        epochs=epochs,
        parameters=model.count_params(),
        backend=backend,
        threads=THREADS,
        seed=chosen.seed,
    ).tell("keras", {"tensorflow": "tensorflow-cpu"}.get(backend, backend))


if __name__ == "__main__":
    main()
