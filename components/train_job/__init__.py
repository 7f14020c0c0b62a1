"""The Trainer on other machines: driver and cache check stay in a cheap pod, a miss creates a Kubeflow ``TrainJob``.

`executor_operator` stands in for TFX's own operator of Python executors; `worker` is what each machine of the job runs.
"""
