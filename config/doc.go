// Package config is what can be set: one struct names every setting, its default and its meaning.
//
// A setting is looked up in this order, the first that has it wins: the command line, the environment (PAYONCE_ and the
// name in capitals), the YAML file, the default. Load keeps where each value came from, so that `payonce config` can say
// it. What relates settings to each other is checked once, in Validate, and its errors name the setting and the remedy.
package config
