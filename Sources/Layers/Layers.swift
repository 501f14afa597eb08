import Failures
