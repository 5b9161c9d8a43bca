/** Supervisors that are started as a client starts them, with orders that no client would give. */

import "../../src/process/every_system.ts";
import { currentUser } from "../../src/kernel/open.ts";
import { objectName } from "../../src/kernel/object_name.ts";
import { chooseMechanism } from "../../src/kernel/open.ts";
import { completeTimes } from "../../src/service/options.ts";
import type { ServiceDescription } from "../../src/service/service_description.ts";
import { resolvePrograms } from "../../src/service/resolve_programs.ts";
import { describeService, type SupervisedServiceOptions } from "../../src/service/supervised_options.ts";
import { orderedName, type SupervisorOrders } from "../../src/service/supervisor_orders.ts";
import type { Options, SupervisedStage } from "./supervised.ts";

/** What a client would order, but for `more`. */
export function ordersFor(
  stage: SupervisedStage,
  options: Options,
  more: Partial<ServiceDescription> = {},
): SupervisorOrders {
  const complete = completeTimes(options as unknown as SupervisedServiceOptions);
  const description = resolvePrograms(stage.name, describeService(stage.name, complete).description);
  return {
    ...orderedName(objectName(stage.name, currentUser(), { directory: stage.state })),
    directory: stage.state,
    mechanism: chooseMechanism().mechanism,
    user: currentUser(),
    stopTimeoutMs: complete.stopTimeoutMs,
    description: { ...description, ...more },
  };
}
