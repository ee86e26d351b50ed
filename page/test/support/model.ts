/** What the tests of the model look at, in one bundle, so that all of it is one instance. */
export * from "../../src/data/trace";
export * from "../../src/model/blame";
export * from "../../src/model/blame_tree";
export * from "../../src/model/chain";
export * from "../../src/model/intervals";
export * from "../../src/model/path";
export * from "../../src/model/shares";
export * from "../../src/model/together";
export * from "../../src/model/window";
