import ConfigChecks
import FuzzKit

FuzzLoop.explore(name: "config", body: ConfigStackChecks.check)
