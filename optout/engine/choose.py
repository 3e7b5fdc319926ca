from optout.engine.embedded.engine import EmbeddedEngine
def choose(name, environment):
    return EmbeddedEngine()
