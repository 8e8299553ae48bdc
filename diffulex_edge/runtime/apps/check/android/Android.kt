// Stands in for what MainActivity uses of Android, so that it compiles where there is no SDK.
package android.os

class Bundle
