"""An interpreter of JSONata state machines, in place of moto's."""
