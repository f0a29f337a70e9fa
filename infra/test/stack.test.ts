// One process for all checks of the template: to load the rule packs takes longer than the checks.
import './stack/nag';
import './stack/queues';
import './stack/storage';
import './stack/processes';
import './stack/alarms';
import './stack/outputs';
