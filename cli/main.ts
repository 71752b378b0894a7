// The `sluice` command, as the package has it.
import { dispatch } from "./dispatch.ts";
import { PACKAGE_COMMANDS } from "./package-commands.ts";

await dispatch(PACKAGE_COMMANDS);
